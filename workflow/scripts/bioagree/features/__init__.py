"""What is measured on each object, and what it means."""
