"""The driven adapter to Microsoft Graph."""
