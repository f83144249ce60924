"""How netwatch tells a night to people: pages, mails and tables. Views of the document, nothing more."""
