"""The admin: rules with their actions, and the history."""
