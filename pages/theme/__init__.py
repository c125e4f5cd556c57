"""Configuration, looks and scripts of the site, and what MkDocs calls while it builds."""
