"""The addresses of the library's pages and of accounts."""

from django.urls import path

from . import accounts
from .views import artists, audio, doubts, history, library, listening, ratings, refusals, songs, sound, upload

urlpatterns = [
    path("library/", library.library, name="library"),
    path("library/labels/", library.label_suggestions, name="label_suggestions"),
    path("library/artists/", library.artist_suggestions, name="artist_suggestions"),
    path("artists/<path:key>/", artists.artist, name="artist"),
    path("ratings/", ratings.ratings, name="ratings"),
    path("taste/history/", history.history, name="history"),
    path("taste/not-this/", refusals.refusals, name="refusals"),
    path("songs/<int:pk>/", songs.song, name="song"),
    path("songs/<int:pk>/album/", artists.album, name="album"),
    path("songs/<int:pk>/audio", audio.audio, name="audio"),
    path("songs/<int:pk>/cover", songs.cover, name="cover"),
    path("songs/<int:pk>/waveform", sound.waveform, name="waveform"),
    path("songs/<int:pk>/waveform.json", sound.waveform_numbers, name="waveform_numbers"),
    path("songs/<int:pk>/spectrogram", sound.spectrogram, name="spectrogram"),
    path("songs/<int:pk>/sound/", sound.sound, name="sound"),
    path("songs/<int:pk>/rate/", listening.rate, name="rate"),
    path("songs/<int:pk>/labels/<int:label_pk>/doubt/", doubts.doubt_label, name="doubt_label"),
    path("songs/<int:pk>/plays/", listening.play, name="play"),
    path("songs/<int:pk>/not-this/", listening.not_this, name="not_this"),
    path("upload/", upload.upload, name="upload"),
    path("accounts/signup/", accounts.sign_up, name="signup"),
    path("accounts/login/", accounts.log_in, name="login"),
    path("accounts/logout/", accounts.log_out, name="logout"),
    path("accounts/password/", accounts.password_change, name="password_change"),
    path("accounts/password/done/", accounts.password_change_done, name="password_change_done"),
    path("accounts/export/", accounts.export_account, name="export"),
    path("accounts/delete/", accounts.account_delete, name="account_delete"),
    path("accounts/reset/", accounts.password_reset, name="password_reset"),
    path("accounts/reset/sent/", accounts.password_reset_done, name="password_reset_done"),
    path("accounts/reset/<uidb64>/<token>/", accounts.password_reset_confirm, name="password_reset_confirm"),
    path("accounts/reset/done/", accounts.password_reset_complete, name="password_reset_complete"),
]
