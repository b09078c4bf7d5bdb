/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_VERIFY_VECTORS_H
#define IOTD_TESTS_VERIFY_VECTORS_H

/*
 * Public keys, and signatures of VECTOR_IMAGE that openssl made with them as daemon/README.md
 * shows. The keys themselves are gone.
 */

#define VECTOR_IMAGE "iotd test image\n"
/* clang-format off */
/* openssl pkey -pubout */
#define VECTOR_ED25519 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MCowBQYDK2VwAyEA/Stu2cogXowzucFY0iNv7qoNFjwykFmI9P18iujjec4=\n" \
    "-----END PUBLIC KEY-----\n"
/* another one */
#define VECTOR_ED25519_OTHER \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MCowBQYDK2VwAyEATi35Ay1DcKUinaMZeArctmII7AK9o3jSOqiBC8g/n7U=\n" \
    "-----END PUBLIC KEY-----\n"
/* 2048 bits */
#define VECTOR_RSA \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAiuB92TelEtDVIbsyjRDu\n" \
    "5LtzajpMwN4PdmmT+6250T+JywE3Mne0Vgcr5WRhHbY/TN5fcneBjcca78TA3Ke+\n" \
    "C6b9PcRbnbnLWhR/WI03P5DMFDt4lj5ozckpDaPrRFrjcNpd9TT93uj4oHuS1242\n" \
    "RdePkrAxsoPhpQFuP8Dxri/sT17MGgLnm9CVv/zWDmAex56bGsz5OLfY6YoGcRQK\n" \
    "vD2gdu/vSSE1aYn8bbGN1FuSnwTq+D0++O3+lpAaMHloFVPJqv1kgjehWyHDQajY\n" \
    "jIQGI88cGNuhof7v/2bZQxFGEEtu9KXu8LS4Rc3byTI4W7vMVeSISSlsaSUEyAul\n" \
    "ewIDAQAB\n" \
    "-----END PUBLIC KEY-----\n"
/* too short */
#define VECTOR_RSA_1024 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC8Fl4M5HH6VvS+eQf1M0Ztd571\n" \
    "BivI1/1w7toCjNJbLJqRX7PwhaKhS52gj9LQsSZi4d/xBfVxjfTRx5kvdY8ykEDj\n" \
    "vPMM6vt9MbvWTAUjRfJ9Oncz8xOO2mEE+4i1h5Py/p1Y5Tgj8+7BN90nRjxAGCuj\n" \
    "3+nkxR/cR2wKaqhPJwIDAQAB\n" \
    "-----END PUBLIC KEY-----\n"
/* its algorithm is id-RSASSA-PSS */
#define VECTOR_RSA_PSS \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBANE6kCUnORcFfUNuVw1KKByr\n" \
    "3h1PdxymfN+wzV9n6cjYnD3wCn8CDEVYmbeJGQuiqj+X+Qf4tL7FI8zlzjsekwCg\n" \
    "yVk6WWIlP9m/bU72xXq4UcQe93MpfZykPuEeVob+LBHB4/6Nl8EmrsJs3EA3ezbm\n" \
    "GFSKzq1PAgHuCk8sHYtvk6gS+MNPg9dnh0+sZ/zcRHCh1v2CJgG2qCFogxXtS1+w\n" \
    "9HtML+C1WWw330P2R4JxqsoSnugMX6ZicCxncpkFKRqj6/xiiJvVsJRVddYD0u/N\n" \
    "l85L0YtbpWDeSTvmqy1OLwYpxBdedSaoSWO51cLMUhXD82Hgd5/DHBIOaznzJqkC\n" \
    "AwEAAQ==\n" \
    "-----END PUBLIC KEY-----\n"
/* P-256 */
#define VECTOR_EC \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgY/dsu1bBBkvwrpmPVYIz1kISR6t\n" \
    "qOFQPopqNuvCOdlbRnZHcPx5+pklGXUtQEw9g1qynRi3Vm3ZxDYjjtxNzg==\n" \
    "-----END PUBLIC KEY-----\n"
/* openssl pkeyutl -sign -rawin */
#define VECTOR_ED25519_SIGNATURE \
    "w/KRznl5sB+T343dD+ZJWrSI3PqPIz9Z6rDPM4HHow9rR/QYiDf66Ky36ccuDkxMiUQB1Tb6Emk8" \
    "aLCfmDsrCA=="
/* the same with S + L instead of S (RFC 8032, 5.1.7, step 1) */
#define VECTOR_ED25519_MALLEABLE \
    "w/KRznl5sB+T343dD+ZJWrSI3PqPIz9Z6rDPM4HHow9YG+p1opoMQYNU4WoNCCthiUQB1Tb6Emk8" \
    "aLCfmDsrGA=="
/* openssl pkeyutl -sign, of the digest */
#define VECTOR_RSA_SIGNATURE \
    "AJAcIXpwp7mhu35P/+JdZZHj2HWy+m05phI97o4VQEYQ/KaIOUV2qPSKX8UR9ttg04gR8ZDc98R1" \
    "89es16mlWQcg+XEU3v5kRldVhRN5mTW8d2COHLuQXEzEpBmv9KOlyxX6IKj3mf8Si1m7XzkB/JQB" \
    "jP0VUKsOwvP60zTm2NRztmi2vjaf1Kl3j+Hp2W8N3cWKOSJo4g8vKT0FODZQHfRuAlwBimhIjEYL" \
    "9V9/eeoRP9nVUEQkmhHt2QvJPdv+1amAo8UjlhI8MtlcuWLQSFkD1bU27wndi8VkrfH9CKFsy/EP" \
    "pvMN3v7ul8t2lh2sx6K2f4RE++QVR59oeN06yw=="
/* openssl dgst -sign, of the image */
#define VECTOR_RSA_SIGNATURE_DGST \
    "OqRDDg+jcqCk+oTgI97d9A6RUg733j4i0fStMyWL40To/W4F+5Nnp5rhAnCFZd2LSvdomWYIHGbx" \
    "NylHkGTGU1pztyHoYAQJrQZ/1Z0ojIQlp7Yr2iCSdBdSLXswMfGhbXPyKhXqgO56ClGOGD7GgaqM" \
    "ZEzLNI8SOQAC7WVsZjVTeeoaRxQrEQ31pBbZ1Sm4PNxSQarCqT4+GwN5JWy0HrwN6xeQG0fkD8b3" \
    "tIBD1LeNHShWPMom3hp2ryhUe/F9Go1JHvHR4lSosp8E0MfQMP6AWlODHpPscYlH8z3Or6jw8hvz" \
    "rdJDlTpE7+pFPXy55obQW47wIxNUhI8xDfjMnw=="
/* good, but PKCS #1 v1.5 */
#define VECTOR_RSA_PKCS1 \
    "TFNj6SOE6/aQRgvn++pOKIV6RjiJ7XA1UgcNmjqz4LtMg7d3jB2akvgbMb4K8eD8ZU4yJZKiXtKV" \
    "VrcqEqMtEnspy85WUJbMPne3eq+p6oFhvTLFG/EoHBSRJ7nEQcCZ2KnOELPUnKsaadZ5jDh5xU6U" \
    "Ce6kc1VLU1HJIQe5I0jONajsu+0a4qoE5oxo/T2osSC0Czd1yYZTq3WYjxf0k5MPypOxzzJRC+96" \
    "YvSjckWLlU8lvfeREnp1GedS5rhiV9+wkXFgwwGhJTO24ZtkOgGpLWpDY2IYolWdFYtjaPFckRLx" \
    "5kTPbH33oCQHEEBwvIPB/45HjP8v6FVMQDQg9Q=="
/* good, but with 20 bytes of salt */
#define VECTOR_RSA_SALT_20 \
    "AY63+wtwen4p3LQIHFFrlL+j4W3F9npW8+r5VUy4zk4M35uVkOhy3MCdtO2ogJALa83GZobKJgzv" \
    "WZoo8JsHr6pQgXKrB6Y2VjcfilkClcEzvyevakzmiV6Zvt16G4/vysDCB565EEDT5xx9h/2OvSfb" \
    "SFEXODt7NMNH16Du8VhiGSoClDo+pj4cRk4OFB8dXMVHtBQaEH8YqEEcrOVn9FV7qTjOQVZm1cxg" \
    "CmRSkD+IYrKGEXNOmQx0JW2JujsH8y5/iMyB80acftCkvPGN39Z89FdCpvPFas3gh3qqtGa4avcU" \
    "Z8dxLq/zEiQk8uR2MfaozbYPESHsjEDQgaRIng=="
/* good, but with SHA-1 in MGF1 */
#define VECTOR_RSA_MGF_SHA1 \
    "IWtRcEgKYW/avfeHW7DqcYaU2NFUosgQes+mOsMaryLV85XNh+JR4rm/jo2X632KAwcieuomBXoi" \
    "FJs3TGlgLUsNA+Rx9dcUiiWcB3MMWJuCIzzKJWUgG3Ri9KVkdaHv0Hr4cNCEP+y96awM2uII/8M2" \
    "YeyfbGCHowZoX1P2NU/iSwPc6S0tFUVTzTFdHTg29WJvfVid8a5LNI9BnKis4jVnw1mlOzETH/hf" \
    "ey5LDV2ibcYOUdN3oFqwG4YsSFcWRtMQlNm5tZE7IH8ekb3NoLbbbcBNYQPnFt7oXhXnD7XZeBch" \
    "8JSN1Lea4d2cXdO/twwDlFqYe/O2N5qdzi8Eyw=="
/* who has it can sign everything */
#define VECTOR_RSA_EXPONENT_1 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAiuB92TelEtDVIbsyjRDu\n" \
    "5LtzajpMwN4PdmmT+6250T+JywE3Mne0Vgcr5WRhHbY/TN5fcneBjcca78TA3Ke+\n" \
    "C6b9PcRbnbnLWhR/WI03P5DMFDt4lj5ozckpDaPrRFrjcNpd9TT93uj4oHuS1242\n" \
    "RdePkrAxsoPhpQFuP8Dxri/sT17MGgLnm9CVv/zWDmAex56bGsz5OLfY6YoGcRQK\n" \
    "vD2gdu/vSSE1aYn8bbGN1FuSnwTq+D0++O3+lpAaMHloFVPJqv1kgjehWyHDQajY\n" \
    "jIQGI88cGNuhof7v/2bZQxFGEEtu9KXu8LS4Rc3byTI4W7vMVeSISSlsaSUEyAul\n" \
    "ewIBAQ==\n" \
    "-----END PUBLIC KEY-----\n"
/* even */
#define VECTOR_RSA_EXPONENT_2 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAiuB92TelEtDVIbsyjRDu\n" \
    "5LtzajpMwN4PdmmT+6250T+JywE3Mne0Vgcr5WRhHbY/TN5fcneBjcca78TA3Ke+\n" \
    "C6b9PcRbnbnLWhR/WI03P5DMFDt4lj5ozckpDaPrRFrjcNpd9TT93uj4oHuS1242\n" \
    "RdePkrAxsoPhpQFuP8Dxri/sT17MGgLnm9CVv/zWDmAex56bGsz5OLfY6YoGcRQK\n" \
    "vD2gdu/vSSE1aYn8bbGN1FuSnwTq+D0++O3+lpAaMHloFVPJqv1kgjehWyHDQajY\n" \
    "jIQGI88cGNuhof7v/2bZQxFGEEtu9KXu8LS4Rc3byTI4W7vMVeSISSlsaSUEyAul\n" \
    "ewIBAg==\n" \
    "-----END PUBLIC KEY-----\n"
/* one byte after it */
#define VECTOR_RSA_TAIL \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAiuB92TelEtDVIbsyjRDu\n" \
    "5LtzajpMwN4PdmmT+6250T+JywE3Mne0Vgcr5WRhHbY/TN5fcneBjcca78TA3Ke+\n" \
    "C6b9PcRbnbnLWhR/WI03P5DMFDt4lj5ozckpDaPrRFrjcNpd9TT93uj4oHuS1242\n" \
    "RdePkrAxsoPhpQFuP8Dxri/sT17MGgLnm9CVv/zWDmAex56bGsz5OLfY6YoGcRQK\n" \
    "vD2gdu/vSSE1aYn8bbGN1FuSnwTq+D0++O3+lpAaMHloFVPJqv1kgjehWyHDQajY\n" \
    "jIQGI88cGNuhof7v/2bZQxFGEEtu9KXu8LS4Rc3byTI4W7vMVeSISSlsaSUEyAul\n" \
    "ewIDAQABAA==\n" \
    "-----END PUBLIC KEY-----\n"
/* y = 2 is on no point of the curve */
#define VECTOR_ED25519_NO_POINT \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MCowBQYDK2VwAyEAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" \
    "-----END PUBLIC KEY-----\n"
/* the neutral point: everything is signed */
#define VECTOR_ED25519_NEUTRAL \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" \
    "-----END PUBLIC KEY-----\n"
/* clang-format on */

#endif /* IOTD_TESTS_VERIFY_VECTORS_H */
