"""The document of ``certs``: its types, how it is made, and how it is written."""
