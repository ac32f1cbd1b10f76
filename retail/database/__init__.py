"""What the two databases need beside Django, and what our columns can do."""
