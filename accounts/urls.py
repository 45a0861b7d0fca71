"""The addresses of the pages of accounts."""

from django.urls import path

from . import views

urlpatterns = [
    path("accounts/signup/", views.sign_up, name="signup"),
    path("accounts/login/", views.log_in, name="login"),
    path("accounts/logout/", views.log_out, name="logout"),
    path("accounts/password/", views.password_change, name="password_change"),
    path("accounts/password/done/", views.password_change_done, name="password_change_done"),
    path("accounts/account/", views.account, name="account"),
    path("accounts/tokens/", views.api_tokens, name="api_tokens"),
    path("accounts/export/", views.export_account, name="export"),
    path("accounts/delete/", views.account_delete, name="account_delete"),
    path("accounts/reset/", views.password_reset, name="password_reset"),
    path("accounts/reset/sent/", views.password_reset_done, name="password_reset_done"),
    path("accounts/reset/<uidb64>/<token>/", views.password_reset_confirm, name="password_reset_confirm"),
    path("accounts/reset/done/", views.password_reset_complete, name="password_reset_complete"),
]
