from stride_vars.errors import StrideError, nearest


def test_message_is_one_line():
    assert str(StrideError("what\n  where,   the mend")) == "what where, the mend"


def test_nearest_names_the_near_word():
    assert nearest("prpc", ["prcp", "t2m"]) == " Did you mean 'prcp'?"


def test_nearest_compares_without_case_and_answers_as_spelled():
    assert nearest("PRCP_daily", ["Prcp_Daily"]) == " Did you mean 'Prcp_Daily'?"


def test_nearest_lists_the_choices_when_nothing_is_near():
    assert nearest("banana", ["prcp", "t2m"]) == " Choose one of: prcp, t2m."


def test_nearest_shortens_a_long_list():
    hint = nearest("?", [f"v{number}" for number in range(20)])
    assert hint.endswith("v11 and 8 more.")


def test_nearest_without_choices_says_nothing():
    assert nearest("prcp", []) == ""
