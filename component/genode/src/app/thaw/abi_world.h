/*
 * \brief  Whom the C functions serve
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _ABI_WORLD_H_
#define _ABI_WORLD_H_

#include <world.h>

namespace Thaw { void serve_abi(World &); }

#endif /* _ABI_WORLD_H_ */
