"""The least of a capture that tells the same: chosen connections, application data cut."""
