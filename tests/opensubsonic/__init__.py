"""Tests of OpenSubsonic."""
