"""Exports of a gateway, from files of any form to objects."""
