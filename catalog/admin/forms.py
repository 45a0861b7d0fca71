"""What the admin's forms have in common."""

from django import forms

from ..models import Label, LabelAlias
from ..names import label_key


def clean_label_name(name: str, label: Label) -> str:
    """The name, if no label but this one is known by it.

    Raises
    ------
    ValidationError
        If another label has it as its name or alias.
    """
    key = label_key(name)
    if other := Label.objects.filter(key=key).exclude(pk=label.pk).first():
        raise forms.ValidationError(f"{other} is a label of its own: merge the two.")
    if alias := LabelAlias.objects.filter(key=key).exclude(label=label.pk).select_related("label").first():
        raise forms.ValidationError(f"{alias} is another spelling of {alias.label}.")
    return name
