"""The connectors bot: chat operations for Intune connectors in Microsoft Teams."""
