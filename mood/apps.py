from django.apps import AppConfig


class MoodConfig(AppConfig):
    name = "mood"
