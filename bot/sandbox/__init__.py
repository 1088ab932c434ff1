"""The outside world on loopback: Entra, Microsoft Graph and the Bot Connector in one server.

For the demo and the tests; production code never imports it. Start with `server.Sandbox`.
"""
