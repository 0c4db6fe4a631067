"""What push-pull is worth on CIFAR-10: trained here, evaluated here, with intervals; the results ship."""
