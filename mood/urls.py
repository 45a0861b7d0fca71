"""The addresses of the page Mood. What a listener feels is posted, and stands in none of them."""

from django.urls import path

from . import views

urlpatterns = [
    path("mood/", views.mood, name="mood"),
    path("mood/picture/", views.picture, name="mood_picture"),
    path("mood/word/", views.word, name="mood_word"),
    path("mood/way/", views.way, name="mood_way"),
    path("mood/keep/", views.keep, name="mood_keep"),
    path("mood/readings/<int:pk>/forget/", views.forget, name="mood_forget"),
    path("mood/readings/forget/", views.forget_all, name="mood_forget_all"),
]
