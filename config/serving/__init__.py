"""Between the server and Django: requests taken whole, threads that answer them, processes that are started again."""
