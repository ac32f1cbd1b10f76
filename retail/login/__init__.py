"""Who somebody is: passwords, WeChat, tokens, and the locks against guessing."""
