"""What is wrong with certificates: facts of the messages, and no diagnosis."""
