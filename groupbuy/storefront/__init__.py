"""The buyers' pages: what they show, in words and figures, and what can be done on them."""
