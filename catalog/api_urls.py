from rest_framework.routers import SimpleRouter

from . import api

router = SimpleRouter(use_regex_path=False)
router.register("songs", api.Songs, basename="api-song")
router.register("labels", api.Labels, basename="api-label")
router.register("ratings", api.Ratings, basename="api-rating")
router.register("plays", api.Plays, basename="api-play")
router.register("play-counts", api.PlayCounts, basename="api-play-count")
router.register("not-this", api.NotThese, basename="api-not-this")
router.register("nudges", api.Nudges, basename="api-nudge")

urlpatterns = router.urls
