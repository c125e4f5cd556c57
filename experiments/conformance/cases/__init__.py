"""Update rules that trainers say they have, with the options that ask for them."""
