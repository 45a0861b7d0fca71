"""The addresses of the recommender's pages, and of the fragments that other pages ask for."""

from django.urls import path

from .admin import dashboard
from .views import compare, curation, find, for_you, map, player, similar_artists, taste

urlpatterns = [
    path("", for_you.for_you, name="for_you"),
    path("arrivals/", for_you.arrivals, name="arrivals"),
    path("dial/", for_you.dial, name="dial"),
    path("map/", map.song_map, name="map"),
    path("map/places", map.map_places, name="map_places"),
    path("map/songs/", map.map_songs, name="map_songs"),
    path("taste/", taste.taste, name="taste"),
    path("taste/labels/<int:pk>/", taste.taste_label, name="taste_label"),
    path("compare/", compare.compare, name="compare"),
    path("compare/why/", compare.why_missing, name="why_missing"),
    path("compare/listeners/", compare.listener_suggestions, name="listener_suggestions"),
    path("how-it-works/", compare.how_it_works, name="how_it_works"),
    path("labels/<int:pk>/pick/", for_you.pick_label, name="pick_label"),
    path("curation/<int:pk>/alike/", curation.alike, name="alike"),
    path("songs/<int:pk>/similar/", for_you.similar, name="similar"),
    path("songs/<int:pk>/fits-you/", for_you.fits_you, name="fits_you"),
    path("similar-artists/<path:key>/", similar_artists.similar_artists, name="similar_artists"),
    path("songs/<int:pk>/go-on/", player.radio, name="radio"),
    path("songs/<int:pk>/more-like-this/", player.more_like_this, name="more_like_this"),
    path("recommendations/for-labels/", for_you.songs_for_query, name="songs_for_query"),
    path("find/", find.find_page, name="find"),
    path("find/contexts/", find.context_keep, name="context_keep"),
    path("find/contexts/<int:pk>/rename/", find.context_rename, name="context_rename"),
    path("find/contexts/<int:pk>/delete/", find.context_delete, name="context_delete"),
    path("admin/desk/snapshots/", dashboard.dashboard_snapshots, name="dashboard_snapshots"),
    path("admin/desk/recompute/", dashboard.dashboard_recompute, name="dashboard_recompute"),
]
