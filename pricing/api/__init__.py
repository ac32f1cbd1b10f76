"""What tills, scales and mini-programs call about prices."""
