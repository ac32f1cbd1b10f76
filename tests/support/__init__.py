"""What the tests share: people and shops, clients, pretended banks, servers of our own."""
