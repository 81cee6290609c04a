"""What a person types: parse, call bundle, exit code."""
