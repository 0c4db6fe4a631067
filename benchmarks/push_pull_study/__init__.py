"""What a push-pull first layer is worth: networks trained with it and without it, over images and seeds."""
