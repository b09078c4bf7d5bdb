/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_KEYS_H
#define IOTD_TESTS_KEYS_H

/* Keys and certificates that protect nothing, made with openssl. */

/* clang-format off */
/* PKCS #8 */
#define KEYS_RSA \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDRBDhrG7z3hSkI\n" \
    "LA10RctGHmHW33FkP1Pzzkm1dOXYykLIoPQd8ZZRnDHoNMj8aclAS/R3ldpa1B0U\n" \
    "P/Jx7YEWnkm0YqDTbT9TjhGNtWDJ6ZSjqpkK7VoSHVtCLhcVUtjKcX4pPezVIUQZ\n" \
    "JmAnTD+V0hKDKL4aoLn9h+qSx9eaXhFcX7Nnibrj5BBjaiNdwsqQheKoq+cvFgGU\n" \
    "gX8SjtJt0EZVqIEQUJtqp7ZfLsMnvUA50Ac5hnlRR1zRWNIUiVBrMxrWSumzA6nR\n" \
    "b8GSWa0yeu6pkWRxQLwCa1GPkW5S3U1Zb9Hlm5PgFCvYeDB/bwpieCoQWfoNgyNo\n" \
    "s/OTLdX9AgMBAAECggEAJvZC8BBZHsi3N9tCXMi/1h/GvC+lqvq1Ew8CpW0XhVxa\n" \
    "q5x5NPW6QBc+JFtmlcrAZZhjB0GrVOASVZp//qW3uPgjpBj4gsDsG46xjflgA/Nj\n" \
    "LkkYQzWwYw0O3FzMF8D8QWx7iIOPGMGdOJTzOpAXkD17DvDy0vLgCLcjzl2rPo5w\n" \
    "8wmWrHpd0SnZ6+pFH+WMtPrQYHlrwuSQ/IgDJoTtm1GlerV8aFHceLJwRYaoxahm\n" \
    "e3KAjf7h6vk3KRKuSw90ki208shpnmw8DeOQHe9z/+qmBiMJAvhnWxJ0tR+YKvOr\n" \
    "pAr8r2qqqsHSd3FX7yVMpQskKS5R7l9UihQEZTwlXwKBgQD5HBEqfFpJRNoSzNpa\n" \
    "gPzLE+mi4qBtkRGOasbVt3LOv5YvM9l/ATrqCVFCUsoYtsRuTsrV2RhXvtfaePQN\n" \
    "jLBkRYSxygJh9AU7U2Cpc2WSNL5td3+T/rDWR2mVJGCEyAdQsgnR7aWmUjyDKqvH\n" \
    "HQVkY9jxzkB+5dyMt0LeW9wT3wKBgQDWzEF2/XUdKRFdc/CGFb9E6TM5bbj9fh3Z\n" \
    "pIbrT9rUlBR1fHY6hua8jFROWcLyoCN+EZlo0FqE0bUL4Q6ExOqQZEowaqXV7FK8\n" \
    "MSPkZ0IaL+Zv+Y/+Rsx+QP+qgsJouAeAlXKUJ+DC6WVtU/pLuPP6gAEWSHBb+CvN\n" \
    "mQxyHbCxowKBgAxOzLJSrotMMZIYOPmbweGuvC5mEBMZxcpJkEVi6PM6GAuA/k/+\n" \
    "GZESoMcsG/wYm5/vmKn0LfW34iZTL4uz1cs+fA3kszVvvwptVitJHk2Y+YejDdSc\n" \
    "EtSjdp39zB8DWwkrorySh0quaXr5kr8luex52nAoBpu+c6UoMM+Xrkn1AoGAMJRF\n" \
    "ggnUwOGW4dHk5g5pEcbEJQrhucMaMSz6rqGC1m0fK2sYuifka2Q5dPbsFj+Nh2en\n" \
    "kIL+1ecv0R33UKPQgRONi+Gy2+z00Ucz3OZVluKadVy16kZM3YkJyaCFI3XrjHNA\n" \
    "VK2oMazjmZRSmWmdFFx64nVDpCk+juM8Y1q/qY0CgYEAt7cFauF6YhPWpvZmD7c7\n" \
    "R/UjAbELQVQuDJ0IX7Go8PeXkvCcvmcVhAc/BCBEbS1RohL3aMZMGFx/lRmZXMq7\n" \
    "Um/uvNeHPOTjvHhMd0rF6W+i/S38R4jDs1JG0tc5zxp6Y5N7OPB4I7lxntv32TfS\n" \
    "dg6LSU+B94hWtI5r2kMK6wk=\n" \
    "-----END PRIVATE KEY-----\n"
/* The same key, PKCS #1 */
#define KEYS_RSA_PKCS1 \
    "-----BEGIN RSA PRIVATE KEY-----\n" \
    "MIIEowIBAAKCAQEA0QQ4axu894UpCCwNdEXLRh5h1t9xZD9T885JtXTl2MpCyKD0\n" \
    "HfGWUZwx6DTI/GnJQEv0d5XaWtQdFD/yce2BFp5JtGKg020/U44RjbVgyemUo6qZ\n" \
    "Cu1aEh1bQi4XFVLYynF+KT3s1SFEGSZgJ0w/ldISgyi+GqC5/YfqksfXml4RXF+z\n" \
    "Z4m64+QQY2ojXcLKkIXiqKvnLxYBlIF/Eo7SbdBGVaiBEFCbaqe2Xy7DJ71AOdAH\n" \
    "OYZ5UUdc0VjSFIlQazMa1krpswOp0W/BklmtMnruqZFkcUC8AmtRj5FuUt1NWW/R\n" \
    "5ZuT4BQr2Hgwf28KYngqEFn6DYMjaLPzky3V/QIDAQABAoIBACb2QvAQWR7Itzfb\n" \
    "QlzIv9Yfxrwvpar6tRMPAqVtF4VcWquceTT1ukAXPiRbZpXKwGWYYwdBq1TgElWa\n" \
    "f/6lt7j4I6QY+ILA7BuOsY35YAPzYy5JGEM1sGMNDtxczBfA/EFse4iDjxjBnTiU\n" \
    "8zqQF5A9ew7w8tLy4Ai3I85dqz6OcPMJlqx6XdEp2evqRR/ljLT60GB5a8LkkPyI\n" \
    "AyaE7ZtRpXq1fGhR3HiycEWGqMWoZntygI3+4er5NykSrksPdJIttPLIaZ5sPA3j\n" \
    "kB3vc//qpgYjCQL4Z1sSdLUfmCrzq6QK/K9qqqrB0ndxV+8lTKULJCkuUe5fVIoU\n" \
    "BGU8JV8CgYEA+RwRKnxaSUTaEszaWoD8yxPpouKgbZERjmrG1bdyzr+WLzPZfwE6\n" \
    "6glRQlLKGLbEbk7K1dkYV77X2nj0DYywZEWEscoCYfQFO1NgqXNlkjS+bXd/k/6w\n" \
    "1kdplSRghMgHULIJ0e2lplI8gyqrxx0FZGPY8c5AfuXcjLdC3lvcE98CgYEA1sxB\n" \
    "dv11HSkRXXPwhhW/ROkzOW24/X4d2aSG60/a1JQUdXx2OobmvIxUTlnC8qAjfhGZ\n" \
    "aNBahNG1C+EOhMTqkGRKMGql1exSvDEj5GdCGi/mb/mP/kbMfkD/qoLCaLgHgJVy\n" \
    "lCfgwullbVP6S7jz+oABFkhwW/grzZkMch2wsaMCgYAMTsyyUq6LTDGSGDj5m8Hh\n" \
    "rrwuZhATGcXKSZBFYujzOhgLgP5P/hmREqDHLBv8GJuf75ip9C31t+ImUy+Ls9XL\n" \
    "PnwN5LM1b78KbVYrSR5NmPmHow3UnBLUo3ad/cwfA1sJK6K8kodKrml6+ZK/Jbns\n" \
    "edpwKAabvnOlKDDPl65J9QKBgDCURYIJ1MDhluHR5OYOaRHGxCUK4bnDGjEs+q6h\n" \
    "gtZtHytrGLon5GtkOXT27BY/jYdnp5CC/tXnL9Ed91Cj0IETjYvhstvs9NFHM9zm\n" \
    "VZbimnVctepGTN2JCcmghSN164xzQFStqDGs45mUUplpnRRceuJ1Q6QpPo7jPGNa\n" \
    "v6mNAoGBALe3BWrhemIT1qb2Zg+3O0f1IwGxC0FULgydCF+xqPD3l5LwnL5nFYQH\n" \
    "PwQgRG0tUaIS92jGTBhcf5UZmVzKu1Jv7rzXhzzk47x4THdKxelvov0t/EeIw7NS\n" \
    "RtLXOc8aemOTezjweCO5cZ7b99k30nYOi0lPgfeIVrSOa9pDCusJ\n" \
    "-----END RSA PRIVATE KEY-----\n"
/* Its self-signed certificate */
#define KEYS_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIDGzCCAgOgAwIBAgIUKn7AtglxYURNC5DF8O3rwCBCpNowDQYJKoZIhvcNAQEL\n" \
    "BQAwHDEaMBgGA1UEAwwRQUJDREUxMjM0NWRldl8wMDEwIBcNMjYxMTIxMTIzMjU5\n" \
    "WhgPMjEyNjEwMjgxMjMyNTlaMBwxGjAYBgNVBAMMEUFCQ0RFMTIzNDVkZXZfMDAx\n" \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0QQ4axu894UpCCwNdEXL\n" \
    "Rh5h1t9xZD9T885JtXTl2MpCyKD0HfGWUZwx6DTI/GnJQEv0d5XaWtQdFD/yce2B\n" \
    "Fp5JtGKg020/U44RjbVgyemUo6qZCu1aEh1bQi4XFVLYynF+KT3s1SFEGSZgJ0w/\n" \
    "ldISgyi+GqC5/YfqksfXml4RXF+zZ4m64+QQY2ojXcLKkIXiqKvnLxYBlIF/Eo7S\n" \
    "bdBGVaiBEFCbaqe2Xy7DJ71AOdAHOYZ5UUdc0VjSFIlQazMa1krpswOp0W/Bklmt\n" \
    "MnruqZFkcUC8AmtRj5FuUt1NWW/R5ZuT4BQr2Hgwf28KYngqEFn6DYMjaLPzky3V\n" \
    "/QIDAQABo1MwUTAdBgNVHQ4EFgQUo9+sWg62KMaKxKbvSzHdWcQX9B4wHwYDVR0j\n" \
    "BBgwFoAUo9+sWg62KMaKxKbvSzHdWcQX9B4wDwYDVR0TAQH/BAUwAwEB/zANBgkq\n" \
    "hkiG9w0BAQsFAAOCAQEAOfcsEanfkMbHslpG1pRMxxohQ/PU5CaApR+7n9JueG8S\n" \
    "w/MxT69a1IcvizEsFplk4y4EH7etH5jwH3PzXygn7gfyxdG543ee2nKJz0umZb6H\n" \
    "yuvXt6xAqVXVw+EPxXBVymAsci9j0M6u7mJe1UawM1MyYDgTmJZzVcaK/9+3xfOC\n" \
    "j4FtLmykIFexGyyBDxGB5bUjSHUSuS4lh6K8UUg2+aRjmwDYjljBnAZqXvhsItuH\n" \
    "YKnsLAmN2XWa+l8NhT/9nBeZCk5fecbyvfhoapWLHbdg8Y90xPIB7xrkee8dPRih\n" \
    "LMI29Ws67qULIaFi4B5oZDTqRRSjRkb+WZsbnQAsqw==\n" \
    "-----END CERTIFICATE-----\n"
/* That of another key */
#define KEYS_OTHER_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIDAzCCAeugAwIBAgIUGeVI9JIL+7pX1aSGup7aZp2I/UswDQYJKoZIhvcNAQEL\n" \
    "BQAwEDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTIxMTIzMjU5WhgPMjEyNjEwMjgx\n" \
    "MjMyNTlaMBAxDjAMBgNVBAMMBW90aGVyMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n" \
    "MIIBCgKCAQEAsERpMAJ0y7Jdr5k36WjqnpWR7+WmioIIEaGyReP/gJeaP4KCp2+R\n" \
    "v1JDY28mqGUNSPyAookse8PEKXJ3X0eB4c9wsD3zsq5ASLcgVxYAOJpneg17fJpj\n" \
    "hDC4Kd9rcjA1SBWvaJaIL0NC70BH622JXSZJb5mtnv6b/lki57xdrOHCRx4MnClv\n" \
    "PWv3O+CjlghppoBbCYKIR/obVH0EqeW1WLyx57ObitQxzrHtgpsrxAZm9Spbvopn\n" \
    "LgiERjUw0DeLNwKbxff7YFJ3hLDBpwrVZAqgPObDcAOamxllocnGhYBHt/4dGJIw\n" \
    "FJk5Q9Z81EeTPZrVLhnYFdb9Yrix35WL5QIDAQABo1MwUTAdBgNVHQ4EFgQUI1t3\n" \
    "xhY5Sbw/tCvo7NDjF3GHFWowHwYDVR0jBBgwFoAUI1t3xhY5Sbw/tCvo7NDjF3GH\n" \
    "FWowDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAYltHGXEul2Az\n" \
    "pWfamKHmecn1D4rgQD3SbQQNb7l25aHs96n692VzZQeE68hCat1fcKmd63mKaVi9\n" \
    "lvIYi/dRl4VEBraGLiliSv4gj6t//v+9igiNJHQIEhSkUPqKJUN08e8DzNxayB70\n" \
    "Yb0MRkPv/Fa0dIwNHtEh0WqA7CzbhEcx74Jm7YFVAsnxRu7ykPFiNUUky53RhnYq\n" \
    "xzQS7elph4PDaPaeNrHrLQqB+is0bJhCYXpNs6y4FBwFrec79L/nTohAIu37IM2p\n" \
    "a8xmGFiTzhlXFVcnBI4qpOmcE+wgVM59zu6Bx5a9q/axXQZ1GNh6dWH+KrTnRAPt\n" \
    "B28ClzobNw==\n" \
    "-----END CERTIFICATE-----\n"
/* A key of 1024 bits */
#define KEYS_SMALL \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAM/diYuA/J6OCeQp\n" \
    "6gIByuD09mp2n3DWQ82Q42XFfTNq8d+NEkf5n+NtiK/YK5hXIdXWNZknJjhWsYe5\n" \
    "9BsAxQmYCG9ksQMYncPMrD5PEeVR2/+KwPmlq15fE8RhRI33yocIR6yo6tDhUxCX\n" \
    "E3eb51QUiO/TmPziO6dzS2ntEQGFAgMBAAECgYBdNE7aWKntRm80+X5ODBO2LuDW\n" \
    "9/2iENEyOYddOOJczdVKkezijRGeXpztjBZwJpGrWnOKCr3egTD1VPIZsYynY7MM\n" \
    "AQBxC0/DU07VmSFsr+PFmOGsWDyu2aifghjvpjlhsOldRi58Uxx8+ngiabqRZfsd\n" \
    "3UhyzKEJfqOAFZlH+QJBAOuoSsDrO1TDf/CXTTa9owTXBAmYw3QkOokS7XlSQV9o\n" \
    "q4VigU/jxO9F/5meO+08pc15HXc7pjly4h+4Py7SeqsCQQDhzxRiJxa/MYzRqUr/\n" \
    "1y3RK8DwciC/B9qEEPaXudUmDyraswGSG7TMQL40LLotJqwcwO43lNS1DTnJUAdh\n" \
    "u3SPAkEAy81hyPIm/6mLriDL0Dm1EGx7u2j4MCtczEsoQTIYA1FcdSC5wMO0/1HE\n" \
    "ObCVFxjKM6c5CnL10N1AHjqTugShvQJBAIcAlYExOYpJh5V6D5rx/TSHYizfLvDH\n" \
    "Mz+uHKANvH+qpcZnK1M9OVS8iHsNGqoP6uqt9j5IvvsX0yqmrCMkPcUCQQCUp0qE\n" \
    "Q8lTgr3y4yghPTz9u4/jfXX7J6yYFMx9GPbyAxpWmOduQn0SsFMGQQLlGlOyjZ42\n" \
    "xhe8Ktg0inunkHrO\n" \
    "-----END PRIVATE KEY-----\n"
/* The first key, encrypted */
#define KEYS_ENCRYPTED \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" \
    "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIN86Q+rZz5RICAggA\n" \
    "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAECBBB5HfDCww3EhQHvyf7Mgz83BIIE\n" \
    "0JKiVOzmldTfZQ5dvYKnEIVi8qTCklRew2qP6OUGzdejr9noPIDEZs7hKo/FpsX+\n" \
    "Zs470XD5szko+YDkfChXFH/UwhwKSb2gT7mZ+s9nU6eYXDkwHWdmbd6cvnJ5SbFD\n" \
    "foqjm4heyLw1hYUqOUwx5QcuGXg71YBtrFuptHulO/Z8XWBjGwzAWkO9KXiqw2SQ\n" \
    "WeaXvbrTmQ+1XHjFliXYzFCqzIzSp9WHUz/I0Mb0aocKNSAlNd0bZ9FcZcZkhBft\n" \
    "8i9cHIQNUAE2mCyAkxI9AQlt6khzHF3JOiosD6MCPYMcPiDHD9EeOtVpixBEURXW\n" \
    "7P4TA5o0NFv24cC1B5l2ggg2t7PFcOxra48s7VyMwHdpArBQhjIWoDvHIMyVCtx/\n" \
    "L13jLSkjnFx18hr1V7BhakpwbboRWzyR1eERzc12Cj4LM0ZN12q3nhy7FWR+3j36\n" \
    "TZcpTgGWaJlUdpVzcplzkp3k4qQZTv9OjaL6NyFCbh3wP9LjNehZ6LQScJKn2FXZ\n" \
    "c6WsXa9Lf61Z8zwfZTZj9O/n9V2fbV5jBDpd+p1LzUg+S1eC9/m5NhdC6PYD4UZX\n" \
    "Qqr+suGFUbWocxKt6GQrkgNFQgj6q/7rXEeyUvJDENY9w4UvZUpI/Z3Bag88Dues\n" \
    "q75JTS2+4Fe2eDsIblcR7Ld1RpZmiagtFOWFprU5AqM7tseb2CdRWYRE4OiDyN+Z\n" \
    "Kd6TTl67/vm1fDJv9jlT2POuhUOSw4GfxT2+FonBpAaINE0GQakuYvDwEjK4v1tO\n" \
    "jh8fpCss3Nf6GRuSEYdGuhLnD1WPrslJtwmolvcHMy32gz2PL1mBJpOn6B/RIS3b\n" \
    "GevCChwkK/qDFcFGwKoXbfFr6lDYN6E9FMf+gj7fvEkbo+v0g22IlpPr08BVbG79\n" \
    "F8Z9+VgRVFySojUMiRkqJLEhGWUPjLwMSiBcoSrT4BiJsOVjr5I3ZBNI3XRXcTPR\n" \
    "2l74upFZzd/0MFo14QbpO2bK8rV0kzWWPkMj0TLfnSnKCVeBuRX8+sWLPdcHhGUh\n" \
    "uOdC+HtqoI86IkR6KlNyfpLpwSa1OkGxAcyaDFlGJYbKdKWqkTq2uR63Tdkzohvq\n" \
    "jDzSK0EjoI+jjGLv1wRtOZxNEgVh7xT+7bQLI0bIFRJhZ0xDY3h57eCMKS1Jnvb3\n" \
    "LGPT1z13UvVxM2V3bFmRmvGq5VixfBhN5KIaVyP2NCaVPMYD/7AFVNMLZTvcixT9\n" \
    "maZGZMIItYNICOpSKknljAyVFA0J5yVSD2B3lgqRMuYYMy5pUkGhCb/jRDRjOPAB\n" \
    "kZgRK7T7S07mynFHDwFV4sCLKbcqQJlhsVW6sf7bA0lNYFVYOfgKNgMLFqPCAd20\n" \
    "HOiU/yp0jIhgQ1drBSCPClL5iRL/HU4OtT399jhKSE4z2Ntd6/XK7yUQaOCnkm+i\n" \
    "8sNa/hDap/ZrefWga/457GgRRcx+fPVGjupu/BHgLjsQ6yBFMWNYKQEppL7bxHtN\n" \
    "11n7D+SVOuPitkXukyYajUAXS1BHv9WqMHQQWvx6HppKaSp/6I7mey9rKwMvWjl/\n" \
    "FZOd9wZCpJKOeXKi2jDcnOxKehRhmP0S6vpH+sKKxUkZRT5ugumKs23P+oHReaUC\n" \
    "OyA0PHs61mcyjbhTou8fCD2/59xQdGwrOS//XECtkywK\n" \
    "-----END ENCRYPTED PRIVATE KEY-----\n"
/* No RSA key */
#define KEYS_EC \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJco0McWnnX9F+FK4\n" \
    "edUBXCaqzQG0c7LZxBILVmHIOiuhRANCAASbCwtZnyAjZP0CxK1RI/8VHsSTrTj2\n" \
    "Ip83rSkIdzyiIXlCFBEHfsMdbZOCVMEXgCnizrC/8F5Tyy42+zRg5K3+\n" \
    "-----END PRIVATE KEY-----\n"
/* Its certificate */
#define KEYS_EC_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBcTCCARegAwIBAgIUQ0VJNw48vzDj7KobG2dSBo1mJwgwCgYIKoZIzj0EAwIw\n" \
    "DTELMAkGA1UEAwwCZWMwIBcNMjYxMTIxMTIzMjU5WhgPMjEyNjEwMjgxMjMyNTla\n" \
    "MA0xCzAJBgNVBAMMAmVjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmwsLWZ8g\n" \
    "I2T9AsStUSP/FR7Ek6049iKfN60pCHc8oiF5QhQRB37DHW2TglTBF4Ap4s6wv/Be\n" \
    "U8suNvs0YOSt/qNTMFEwHQYDVR0OBBYEFIkh98Jc9GFshTLEu2rxlxfWwi3KMB8G\n" \
    "A1UdIwQYMBaAFIkh98Jc9GFshTLEu2rxlxfWwi3KMA8GA1UdEwEB/wQFMAMBAf8w\n" \
    "CgYIKoZIzj0EAwIDSAAwRQIgSJoyf/kau7kkga48qyvsH0MRWZkSUN+47lEgTAJh\n" \
    "LBwCIQCzgO9hSx3pgGgbf3E759j58QRd1oM/SAhgojKfkrWIHA==\n" \
    "-----END CERTIFICATE-----\n"
/* openssl dgst -sha256 -sign, as hex */
#define KEYS_SIGNED_TEXT "ABCDE12345dev_001;12010126;257ZU;2147483647"
#define KEYS_SIGNATURE \
    "6870279661d6f7854dc03275802046ec416f22564eef662d3bd7e36ed819b56a" \
    "5c7faeb6cd616ca3c73b8775e2c95800e0ca12af29599a931f3842b0795299dd" \
    "73fa15f3846c2e545c32d2e54da787770ef4246d174e6bd59a164d1e2f93daf5" \
    "916467dafac26f69a1bdc9bfd132400136a7c30a496913a21528918d46be0a73" \
    "caf5bb92a87938f9b4b391f405954636d1e7cefdc0ef47857ebfc4a6b2f37d20" \
    "b295bc118df28b6c99ed4393a8f6267d74d743255c5e828625336ecd81f05fa9" \
    "228f730cd4e7740aaa971b07b1755bcec60d82d8e3e29b2584adbed63c9ac31f" \
    "75e114ffa0ca8533565f17bb73e6eb2379b619b4cd18b13964f5362bbacc3e00"
/* clang-format on */

#endif /* IOTD_TESTS_KEYS_H */
