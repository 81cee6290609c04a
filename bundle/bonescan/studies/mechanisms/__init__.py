"""What can be known of the systems before anything is trained."""
