"""What can be said by the alert and the step alone: the answer where no other rule knows more."""
