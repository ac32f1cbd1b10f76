"""What mini-programs call: orders and group buys, and where WeChat tells of money."""
