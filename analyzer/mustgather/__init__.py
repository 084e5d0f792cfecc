"""What IBM support asks for when a handshake with a DataPower gateway fails, put into one file."""
