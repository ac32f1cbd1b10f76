"""The buyer pages."""
