dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl Every missing library is named with its Debian package, all of them in one message.

AC_DEFUN([IOTD_NEED], [
    PKG_CHECK_MODULES([$1], [$2], [], [iotd_missing="$iotd_missing
    $2 (Debian: $3)"])
])

dnl The TLS library that libwebsockets was built on: iotd verifies with the same.
AC_DEFUN([IOTD_LWS_TLS_IF], [
    AS_IF([test -z "$iotd_tls"], [
        AC_PREPROC_IFELSE([AC_LANG_SOURCE([[
#include <lws_config.h>
#if !($1)
#error no
#endif
]])], [iotd_tls=$2])])
])

AC_DEFUN([IOTD_LWS_TLS], [
    AC_MSG_CHECKING([which TLS library libwebsockets uses])
    iotd_tls=
    iotd_saved=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS $LWS_CFLAGS"
    IOTD_LWS_TLS_IF([defined(LWS_WITH_TLS) && defined(USE_WOLFSSL)], [wolfssl])
    IOTD_LWS_TLS_IF([defined(LWS_WITH_TLS) && !defined(LWS_WITH_MBEDTLS) && !defined(LWS_WITH_BORINGSSL)], [openssl])
    CPPFLAGS=$iotd_saved
    test -n "$iotd_tls" || iotd_tls=none
    AC_MSG_RESULT([$iotd_tls])
    AS_CASE([$iotd_tls],
        [openssl], [IOTD_NEED([TLS], [libssl >= 3.0 libcrypto >= 3.0], [libssl-dev])],
        [wolfssl], [TLS_CFLAGS=$WOLFSSL_CFLAGS TLS_LIBS=$WOLFSSL_LIBS],
        [TLS_CFLAGS= TLS_LIBS=])
    AC_SUBST([TLS_CFLAGS])
    AC_SUBST([TLS_LIBS])
])

dnl iotc-codegen is built where jansson is, and makes the code of examples/lamp. A cross build runs
dnl one of the build machine, or takes what a tarball brings along.
AC_DEFUN([IOTD_CODEGEN], [
    iotd_build_codegen=yes
    IOTC_CODEGEN=
    AS_IF([test "x$with_codegen" = xno], [iotd_build_codegen=no],
        [test "x$enable_daemon" = xno],
        [PKG_CHECK_MODULES([JANSSON], [jansson >= 2.14], [], [iotd_build_codegen=no])])
    AS_CASE([$with_codegen],
        [yes|no], [AS_IF([test "$iotd_build_codegen" = no || test "x$cross_compiling" = xyes],
            [AC_PATH_PROG([IOTC_CODEGEN], [iotc-codegen])],
            [IOTC_CODEGEN='$(top_builddir)/iotc-codegen$(EXEEXT)'])],
        [IOTC_CODEGEN=$with_codegen])
    AS_IF([test -z "$IOTC_CODEGEN" && test ! -f "$srcdir/examples/smart-light.c"], [
        iotd_missing="$iotd_missing
    iotc-codegen for this machine, to generate examples/smart-light.c: --with-codegen=PROGRAM, or jansson (Debian: libjansson-dev)"])
    AC_SUBST([IOTC_CODEGEN])
    AM_CONDITIONAL([BUILD_CODEGEN], [test "$iotd_build_codegen" = yes])
    AM_CONDITIONAL([RUN_CODEGEN], [test -n "$IOTC_CODEGEN"])
    AM_CONDITIONAL([RUN_OWN_CODEGEN], [test "$IOTC_CODEGEN" = '$(top_builddir)/iotc-codegen$(EXEEXT)'])
])

AC_DEFUN([IOTD_DEPS], [
    iotd_missing=
    IOTD_NEED([DBUS], [dbus-1 >= 1.14], [libdbus-1-dev])
    AS_IF([test "x$enable_daemon" != xno], [
        IOTD_NEED([LWS], [libwebsockets >= 4.1], [libwebsockets-dev])
        IOTD_NEED([WOLFSSL], [wolfssl >= 5.5], [libwolfssl-dev])
        IOTD_NEED([JANSSON], [jansson >= 2.14], [libjansson-dev])
        IOTD_NEED([SQLITE], [sqlite3 >= 3.40], [libsqlite3-dev])
        IOTD_NEED([CRYPTO], [libcrypto >= 3.0], [libssl-dev])
        IOTD_LWS_TLS
    ])
    IOTD_CODEGEN
    AM_CONDITIONAL([TLS_OPENSSL], [test "x$iotd_tls" = xopenssl])
    AM_CONDITIONAL([TLS_WOLFSSL], [test "x$iotd_tls" = xwolfssl])
    AM_CONDITIONAL([TLS_NONE], [test "x$iotd_tls" = xnone])
    AS_IF([test "x$enable_tests" != xno], [
        IOTD_NEED([CUNIT], [cunit >= 2.1], [libcunit1-dev])
        IOTD_NEED([SSL], [libssl >= 3.0 libcrypto >= 3.0], [libssl-dev])
    ])
    AS_IF([test "$PYTHON" = : && test ! -f "$srcdir/dbus/iface-gen.c"], [
        iotd_missing="$iotd_missing
    python >= 3.9 to generate dbus/iface-gen.c (Debian: python3)"])
    AS_IF([test -n "$iotd_missing"], [
        AC_MSG_ERROR([these are missing:$iotd_missing
  install them, for example with: apt-get install libdbus-1-dev libwebsockets-dev libwolfssl-dev libjansson-dev libssl-dev libsqlite3-dev libcunit1-dev])
    ])
])
