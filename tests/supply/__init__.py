"""What keeps the project itself in order: a bill of materials and a sample of mutants."""
