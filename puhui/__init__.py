"""puhui 普惠: one package for inclusive finance."""

__version__ = "0.1.0"
