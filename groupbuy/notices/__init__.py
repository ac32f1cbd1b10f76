"""What buyers and WeChat are told: written down with the fact, sent later."""
