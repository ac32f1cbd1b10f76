"""The demo: a chain with its shops, prices, group buys, buyers and a month of trade; made once, its group buys kept running."""
