"""Dates and numbers as the shops write them, in every language."""
