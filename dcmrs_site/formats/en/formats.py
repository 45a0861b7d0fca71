"""Days of 24 hours, as on all other pages; Django reads these names from here."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
