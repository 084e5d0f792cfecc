"""Commands of other tools that do again what a connection of a capture did."""
