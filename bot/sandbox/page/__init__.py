"""A page on loopback where one tries the bot as four people at once, and breaks Graph for it."""
