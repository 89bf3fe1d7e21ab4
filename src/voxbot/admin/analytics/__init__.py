"""What the call log says in numbers."""
