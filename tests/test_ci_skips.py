"""Skips for want of a service are failures in CI and skips elsewhere."""

from __future__ import annotations

import pytest

SKIPPING = """
    import pytest

    def test_service():
        pytest.skip("needs PostgreSQL: start it")

    @pytest.mark.skipif(True, reason="needs chromium")
    def test_program():
        pass

    def test_other():
        pytest.skip("only on Windows")

    @pytest.mark.xfail(reason="needs a fix", strict=True)
    def test_expected():
        raise AssertionError
"""

SKIPPED_MODULE = """
    import pytest

    pytest.importorskip("a_module_that_nobody_has")

    def test_never():
        pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of its own that uses the plugin and none of this project's settings."""
    for name in ("CI", "ALLOW_SKIPS", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeconftest('pytest_plugins = ["tests.ci_skips"]')
    return pytester


def run(suite: pytest.Pytester) -> pytest.RunResult:
    """Run the inner suite without the plugins that this one has installed."""
    return suite.runpytest_inprocess("-rs", "-p", "no:django", "-p", "no:randomly", "-p", "no:cacheprovider")


def test_needs_skip_on_a_laptop_is_a_skip(suite: pytest.Pytester) -> None:
    """Without CI=true every skip is printed with its reason and the run succeeds."""
    suite.makepyfile(SKIPPING)

    result = run(suite)

    result.assert_outcomes(skipped=3, xfailed=1)
    result.stdout.fnmatch_lines(["*needs PostgreSQL: start it*"])


def test_needs_skip_in_ci_fails_with_its_reason(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI=true a missing service or program fails its test; other skips and expected failures stay."""
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(SKIPPING)

    result = run(suite)

    result.assert_outcomes(failed=1, errors=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["*nothing may be missing in CI: needs PostgreSQL: start it*"])


def test_needs_skip_in_ci_that_the_stage_allows_is_a_skip(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ALLOW_SKIPS names, as a regular expression, what a stage may lack."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("ALLOW_SKIPS", "^needs (PostgreSQL|chromium)")
    suite.makepyfile(SKIPPING)

    run(suite).assert_outcomes(skipped=3, xfailed=1)


def test_module_that_lacks_a_library_in_ci_fails(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module skipped while it is collected fails as well, so that no file vanishes from CI."""
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(SKIPPED_MODULE)

    result = run(suite)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*could not import 'a_module_that_nobody_has'*"])
