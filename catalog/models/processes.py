"""Signs of life of the processes that do the work, by which stalls are seen."""

from __future__ import annotations

from django.db import models


class ProcessSign(models.Model):
    """The last sign of life of one process, and what it was doing."""

    class Kind(models.TextChoices):
        """What a process is."""

        POOL = "pool", "a process of a worker"
        WATCH = "watch", "a worker"
        BEAT = "beat"
        WEB = "web", "a web process"
        TASK = "task", "a process that began a task"

    kind = models.CharField(max_length=10, choices=Kind)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    doing = models.CharField(max_length=100, blank=True, help_text="The task at hand.")
    doing_since = models.DateTimeField(null=True)
    unseen_roots = models.JSONField(default=list, help_text="Library roots whose folder it cannot see.")

    class Meta:
        """Options of the class."""

        constraints = [models.UniqueConstraint(fields=["host", "pid", "kind"], name="one_sign_a_process")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.host}:{self.pid}"


class Alert(models.Model):
    """Something that stands still, since when, and when the admins were told of it."""

    name = models.CharField(max_length=30, unique=True)
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    untold = models.JSONField(default=list, help_text="By which ways they are still to be told.")
    tried_at = models.DateTimeField(null=True, help_text="When that was tried last.")
    failure = models.CharField(max_length=300, blank=True, help_text="Why it could not be done.")

    def __str__(self) -> str:
        return f"{self.name}, since {self.since:%Y-%m-%d %H:%M}"


class Installation(models.Model):
    """A single row (pk 1): which version of DCMRS brought the database up to date last."""

    version = models.CharField(max_length=30)
    upgraded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"DCMRS {self.version}"
