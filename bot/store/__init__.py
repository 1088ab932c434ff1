"""The driven adapter to the database and the policy file."""
