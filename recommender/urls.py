"""The addresses of the recommender's pages, and of the fragments that other pages ask for."""

from django.urls import path

from . import (
    compare_views,
    curation_views,
    desk,
    find_views,
    map_views,
    player_views,
    similar_artists,
    taste_views,
    views,
)

urlpatterns = [
    path("", views.for_you, name="for_you"),
    path("dial/", views.dial, name="dial"),
    path("map/", map_views.song_map, name="map"),
    path("map/places", map_views.map_places, name="map_places"),
    path("map/songs/", map_views.map_songs, name="map_songs"),
    path("taste/", taste_views.taste, name="taste"),
    path("taste/labels/<int:pk>/", taste_views.taste_label, name="taste_label"),
    path("compare/", compare_views.compare, name="compare"),
    path("compare/why/", compare_views.why_missing, name="why_missing"),
    path("compare/listeners/", compare_views.listener_suggestions, name="listener_suggestions"),
    path("how-it-works/", compare_views.how_it_works, name="how_it_works"),
    path("labels/<int:pk>/pick/", views.pick_label, name="pick_label"),
    path("curation/<int:pk>/alike/", curation_views.alike, name="alike"),
    path("songs/<int:pk>/similar/", views.similar, name="similar"),
    path("songs/<int:pk>/fits-you/", views.fits_you, name="fits_you"),
    path("similar-artists/<path:key>/", similar_artists.similar_artists, name="similar_artists"),
    path("songs/<int:pk>/go-on/", player_views.go_on, name="go_on"),
    path("songs/<int:pk>/more-like-this/", player_views.more_like_this, name="more_like_this"),
    path("recommendations/for-labels/", views.songs_for_query, name="songs_for_query"),
    path("find/", find_views.find_page, name="find"),
    path("find/contexts/", find_views.context_keep, name="context_keep"),
    path("find/contexts/<int:pk>/rename/", find_views.context_rename, name="context_rename"),
    path("find/contexts/<int:pk>/delete/", find_views.context_delete, name="context_delete"),
    path("admin/desk/snapshots/", desk.desk_snapshots, name="desk_snapshots"),
    path("admin/desk/recompute/", desk.desk_recompute, name="desk_recompute"),
]
