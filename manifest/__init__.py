"""What installs the bot: the app package, icons and pinned requirements."""
