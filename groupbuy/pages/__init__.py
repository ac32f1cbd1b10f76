"""What the buyer pages show, in words and figures: read from rows, without a request, without a write."""
