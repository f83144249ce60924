"""The engine of netwatch, the exposure monitor for medical practices."""

__version__ = "0.1.0"
