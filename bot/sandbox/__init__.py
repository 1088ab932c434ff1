"""Microsoft's side on loopback, for the demo and the tests."""
